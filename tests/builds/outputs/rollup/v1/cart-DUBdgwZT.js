const total = () => console.log("cart one");

export { total };
//# sourceMappingURL=cart-DUBdgwZT.js.map
