import "../shop/main.js";
