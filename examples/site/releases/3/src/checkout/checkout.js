import "./checkout.css";
import { basket, empty } from "../basket.js";
import { element, fill } from "../dom.js";

const FIELDS = ["Name", "Street and number", "Postcode", "City"];

export function mount(stage) {
  const form = element(
    "form",
    { className: "checkout" },
    ...FIELDS.map((label) => element("label", {}, label, element("input", { required: true }))),
    element("button", { className: "button primary" }, `Order ${basket().length} teas`),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    empty();
    fill(stage, element("h2", {}, "On its way. Put the kettle on."));
  });
  fill(stage, element("h2", {}, "Where shall we send it?"), form);
}
