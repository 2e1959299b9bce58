// A real OpenID provider for tests: node oidc_provider.mjs READY_FILE, with its settings as JSON on standard input:
// {port, clients: [...], accounts: {name: {claims}}, keys: {keys: [...]}, wrong: "nonce" | "issuer" | ...}. Runs until it is killed.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const settings = JSON.parse(readFileSync(0, "utf8"));
const key = (id) => ({ ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), kid: id, use: "sig", alg: "RS256" });
const server = createServer();
await new Promise((listening) => server.listen(settings.port ?? 0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: settings.clients,
  jwks: { keys: [key(settings.key_id)] },
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "given_name", "preferred_username", "groups"] },
  cookies: { keys: ["of tests"] },
  features: { devInteractions: { enabled: true } },
  findAccount: (context, id) => settings.accounts[id] && { accountId: id, claims: () => ({ sub: id, ...settings.accounts[id] }) },
  ttl: { Interaction: 600, Grant: 600, Session: 600, IdToken: 600, AccessToken: 600 },
});
server.on("request", provider.callback());
writeFileSync(process.argv[2], JSON.stringify({ issuer }));
