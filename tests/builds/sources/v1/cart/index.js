export const total = () => console.log("cart one");
