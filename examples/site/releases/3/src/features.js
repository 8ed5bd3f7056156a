export const release = 3;

export const features = [
  { id: "search", label: "Search", icon: "search", load: () => import("./search/search.js") },
  { id: "cart", label: "Cart", icon: "cart", load: () => import("./cart/cart.js") },
  { id: "checkout", label: "Checkout", icon: "card", load: () => import("./checkout/checkout.js") },
];
