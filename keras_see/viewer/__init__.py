"""The viewer: one page in TensorBoard's See tab, in the HTML report and in a notebook."""
