"""The machinery behind the callbacks: when an epoch is logged, the sample images, and the views."""
