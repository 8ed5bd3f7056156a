import { element, icon } from "./dom.js";

/** The range: what it tastes of, a colour for its tin, the price in euros and the kilograms picked per month. */
export const teas = [
  { name: "Morning Terrace", taste: "green, sweet pea, sea air", colour: "#5c9a6b", price: 14, picked: [4, 9, 16, 12] },
  { name: "Copper Kettle", taste: "black, malt, orange peel", colour: "#b8613a", price: 11, picked: [10, 14, 13, 8] },
  { name: "Slow Cloud", taste: "white, melon, hay", colour: "#c9a95b", price: 19, picked: [2, 6, 5, 3] },
  { name: "Blue Dragonfly", taste: "oolong, lilac, butter", colour: "#4a7d96", price: 17, picked: [5, 7, 11, 9] },
  { name: "Night Garden", taste: "jasmine, pear, honey", colour: "#6b5b95", price: 15, picked: [3, 8, 10, 6] },
  { name: "Red Bush Road", taste: "rooibos, vanilla, fig", colour: "#a8433f", price: 9, picked: [7, 7, 9, 12] },
];

/** A card with the tin of one tea; `extra` goes below the price. */
export function card(tea, ...extra) {
  const tin = element("div", { className: "tin" }, icon("leaf"));
  tin.style.setProperty("--tin", tea.colour);
  return element(
    "article",
    { className: "card" },
    tin,
    element("h3", {}, tea.name),
    element("p", {}, tea.taste),
    element("strong", {}, `€ ${tea.price}`),
    ...extra,
  );
}
