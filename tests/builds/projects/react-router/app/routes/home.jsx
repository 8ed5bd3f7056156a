import logo from "../src/logo.svg";

export default function Home() {
  import("../src/search.js").then(({ find }) => find("tea"));
  import("../src/teas/index.js").then(({ list }) => list());
  return <img src={logo} alt="Teas" />;
}
