import "./cart.css";
import { basket, empty } from "../basket.js";
import { element, fill, icon } from "../dom.js";
import { teas } from "../teas.js";

export function mount(stage) {
  const chosen = basket().map((name) => teas.find((tea) => tea.name === name));
  const lines = chosen.map(({ name, price }) =>
    element("li", {}, icon("cup"), name, element("span", {}, `€ ${price}`)),
  );
  const total = chosen.reduce((sum, { price }) => sum + price, 0);
  const clear = element("button", { className: "button" }, "Empty the cart");
  clear.addEventListener("click", () => {
    empty();
    mount(stage);
  });
  const pay = element("a", { className: "button primary", href: "#checkout" }, "Check out");
  fill(
    stage,
    element("h2", {}, chosen.length ? "Your cart" : "Your cart is empty"),
    element("ul", { className: "cart" }, ...lines),
    element("p", { className: "cart-total" }, clear, pay, element("strong", {}, `€ ${total}`)),
  );
}
