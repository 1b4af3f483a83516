/** A project whose database cannot be reached. */
export const AWAY = {
  data: {
    url: "http://127.0.0.1:1",
    publishableKeys: { default: "sb_publishable_x" },
    secretKeys: { default: "sb_secret_x" },
    jwks: { keys: [] },
  },
  error: null,
};
