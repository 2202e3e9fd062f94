import "react";

declare module "react" {
  interface CSSProperties {
    /** For styles.css, which makes a colour of it that suits light and dark. */
    "--hue"?: number;
  }
}
