import "./search.css";
import { add } from "../basket.js";
import { element, fill } from "../dom.js";
import { card, teas } from "../teas.js";

function buy({ name }) {
  const button = element("button", { className: "button" }, "Add to cart");
  button.addEventListener("click", () => {
    add(name);
    button.textContent = "Added";
  });
  return button;
}

export function mount(stage) {
  const results = element("div", { className: "shelf" });
  const box = element("input", { type: "search", className: "search-box", placeholder: "Try “honey” or “black”" });
  const find = () => {
    const words = box.value.toLowerCase().split(/\s+/);
    const matches = ({ name, taste }) => words.every((word) => `${name} ${taste}`.toLowerCase().includes(word));
    fill(results, ...teas.filter(matches).map((tea) => card(tea, buy(tea))));
  };
  box.addEventListener("input", find);
  fill(stage, element("h2", {}, "What would you like to taste?"), box, results);
  find();
}
