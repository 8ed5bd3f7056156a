import "./newsletter.css";
import { element, fill } from "../dom.js";
import postcard from "./postcard.png";

export function mount(stage) {
  const form = element(
    "form",
    { className: "letter" },
    element("img", { src: postcard, alt: "A postcard", width: 240, height: 160 }),
    element(
      "div",
      {},
      element("h2", {}, "A letter from the garden"),
      element("p", {}, "Four times a year, on paper. Tell us where to send it."),
      element("input", { placeholder: "Your address", ariaLabel: "Your address" }),
      element("button", { className: "button primary" }, "Write to me"),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fill(stage, element("h2", {}, "Thank you, the postman knows."));
  });
  fill(stage, form);
}
