// What a method says and what it does not say, in a sentence each.

const NOTES = {
  saliency: [
    "Where a small change of a pixel would move the score most.",
    "Not what the network recognises: single pixels are noisy, and a strong pixel may lie beside the object.",
  ],
  grad_cam: [
    "Which places the layer's features use for the explained class, weighted by their gradients.",
    "Not the outline of the object: the map is as coarse as the layer, and says nothing of evidence against the class.",
  ],
  cam: [
    "How much each place of the last features adds to the class score, exactly, where the head is an average and a sum.",
    "Not what earlier layers saw: a place stands for all that lies in its receptive field.",
  ],
  neurons: [
    "An image that excites the channel strongly, found by optimization.",
    "Not the only one, and not proof of what the channel is used for: compare it with real images.",
  ],
  content: [
    "What the layer's features still tell of the image.",
    "Not what the network uses: a layer may keep what later layers ignore.",
  ],
  features: [
    "The activations of the layer's channels at each place.",
    "Not whether the class depends on them: that takes a gradient or a perturbation.",
  ],
};

/** Two sentences on a method: what it says, what it does not. */
export function notesOf(about) {
  return NOTES[about.method] ?? [about.meaning ?? "", "Compare it with other methods before you rely on it."];
}
