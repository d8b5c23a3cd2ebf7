// Text for places that read it as markup: notification bodies, tooltips and menu labels. Pure.

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Plain text for a place that reads a little HTML: it looks the same there and can start no tag. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>]/g, (character) => entities[character] ?? character);
}

/** Plain text for a menu label, where `_` would underline the next letter. */
export function escapeMnemonic(text: string): string {
  return text.replaceAll('_', '__');
}
