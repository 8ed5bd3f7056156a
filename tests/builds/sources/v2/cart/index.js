export const total = () => console.log("cart two");
