import { Links, Meta, Outlet, Scripts } from "react-router";
import "./src/app.css";

export const Layout = ({ children }) => (
  <html lang="en">
    <head>
      <Meta />
      <Links />
    </head>
    <body>
      {children}
      <Scripts />
    </body>
  </html>
);

export default function App() {
  return <Outlet />;
}
