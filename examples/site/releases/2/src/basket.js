const KEY = "fernleaf-basket";

/** The names of the teas in the basket, in the order they were added; it outlives the page. */
export function basket() {
  return JSON.parse(localStorage.getItem(KEY) ?? "[]");
}

export function add(name) {
  localStorage.setItem(KEY, JSON.stringify([...basket(), name]));
}

export function empty() {
  localStorage.removeItem(KEY);
}
