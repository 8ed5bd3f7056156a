import "./charts.css";
import { element, fill } from "../dom.js";
import { teas } from "../teas.js";

const MONTHS = ["April", "May", "June", "July"];

function row({ name, colour, picked }) {
  const bars = picked.map((kilograms, month) => {
    const bar = element("i", { title: `${MONTHS[month]}: ${kilograms} kg` });
    bar.style.cssText = `height: ${kilograms * 6}%; background: ${colour}`;
    return bar;
  });
  return element("figure", { className: "chart" }, element("div", {}, ...bars), element("figcaption", {}, name));
}

export function mount(stage) {
  const charts = element("div", { className: "charts" }, ...teas.map(row));
  fill(stage, element("h2", {}, `Picked from ${MONTHS.at(0)} to ${MONTHS.at(-1)}`), charts);
}
