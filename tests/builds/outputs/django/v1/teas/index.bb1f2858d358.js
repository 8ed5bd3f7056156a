export const list = () => console.log("teas");
