export default function Cart() {
  import("../src/basket.js").then(({ fill }) => fill("tea"));
  import("../src/cart/index.js").then(({ total }) => total());
  return <p>Two cups.</p>;
}
