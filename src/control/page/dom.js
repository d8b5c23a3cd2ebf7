// Small helpers around the DOM. Text goes in as text only; nothing here, or anywhere on this page, parses HTML.

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Readonly<Record<string, string | number | boolean | undefined>>} Attributes
 */

/**
 * Makes an element. Attributes that are undefined or false are left out; true becomes the empty text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  append(element, children);
  return element;
}

/**
 * Appends what is there.
 * @param {Element} element
 * @param {readonly Child[]} children
 */
function append(element, children) {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/**
 * Sets, or removes for undefined and false; touches nothing that is already so.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * Sets the text when it is another one: a live region must not be told the same twice.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * A button. What `onClick` starts must not reject.
 * @param {string} label
 * @param {() => void | Promise<void>} onClick
 * @param {Attributes} [attributes]
 * @returns {HTMLButtonElement}
 */
export function button(label, onClick, attributes = {}) {
  const element = make('button', { type: 'button', ...attributes }, label);
  element.addEventListener('click', () => {
    if (element.getAttribute('aria-disabled') !== 'true') void onClick();
  });
  return element;
}

/**
 * A button that cannot be used now keeps its focus, unlike a disabled one.
 * @param {HTMLElement} element
 * @param {boolean} isOff
 */
export function setOff(element, isOff) {
  setAttribute(element, 'aria-disabled', isOff ? 'true' : undefined);
}

/**
 * The element of this page's own markup.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element "${id}"`);
  return element;
}

/**
 * Puts the children in this order with as few moves as possible, and removes all others.
 * @param {Element} parent
 * @param {readonly Element[]} wanted
 */
export function arrange(parent, wanted) {
  const kept = new Set(wanted);
  for (const child of Array.from(parent.children)) if (!kept.has(child)) child.remove();
  for (const [at, element] of wanted.entries()) {
    const there = parent.children[at];
    if (there !== element) parent.insertBefore(element, there ?? null);
  }
}
