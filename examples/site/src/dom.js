/** Makes an element with properties and children (nodes or strings). */
export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** Replaces what a node contains. */
export function fill(node, ...children) {
  node.replaceChildren(...children);
}

/** A glyph of the icon font, by its name in home.css. */
export function icon(name) {
  return element("span", { className: `icon icon-${name}`, ariaHidden: "true" });
}
