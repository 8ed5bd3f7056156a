import "../src/app.css";

export default function Layout({ children }) {
  return (
    <html>
      <body>{children}</body>
    </html>
  );
}
