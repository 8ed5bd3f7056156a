export const fill = (thing) => console.log("basket one", thing);
