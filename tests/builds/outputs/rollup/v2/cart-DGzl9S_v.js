const total = () => console.log("cart two");

export { total };
//# sourceMappingURL=cart-DGzl9S_v.js.map
