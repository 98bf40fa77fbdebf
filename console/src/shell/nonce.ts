// The nonce of this page's style elements (Content-Security-Policy); the server writes it into index.html.
export const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;
