import "./search.css";
import { element, fill } from "../dom.js";
import { card, teas } from "../teas.js";

export function mount(stage) {
  const results = element("div", { className: "shelf" });
  const box = element("input", { type: "search", className: "search-box", placeholder: "Try “honey” or “black”" });
  const find = () => {
    const wanted = box.value.trim().toLowerCase();
    const found = teas.filter(({ name, taste }) => `${name} ${taste}`.toLowerCase().includes(wanted));
    fill(results, ...found.map((tea) => card(tea)));
  };
  box.addEventListener("input", find);
  fill(stage, element("h2", {}, "What would you like to taste?"), box, results);
  find();
}
