"use client";

export default function Page() {
  const search = () => import("../src/search.js").then(({ find }) => find("tea"));
  const fill = () => import("../src/basket.js").then((basket) => basket.fill("tea"));
  return (
    <p onClick={search} onDoubleClick={fill}>
      Teas
    </p>
  );
}
