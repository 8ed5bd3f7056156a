export const release = 2;

export const features = [
  { id: "search", label: "Search", icon: "search", load: () => import("./search/search.js") },
  { id: "charts", label: "Harvest", icon: "chart", load: () => import("./charts/charts.js") },
  { id: "cart", label: "Cart", icon: "cart", load: () => import("./cart/cart.js") },
];
