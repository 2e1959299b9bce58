// A receipt's JWS under the npm package `jose`: it verifies with the log's published keys, and with any bit of it changed it does not.
// Reads {"jwks": ..., "tokens": [...]} from standard input.
import { readFileSync } from "node:fs";
import { compactVerify, createLocalJWKSet } from "jose";

const { jwks, tokens } = JSON.parse(readFileSync(0, "utf8"));
const keys = createLocalJWKSet(jwks);
const accepts = (token) => compactVerify(token, keys, { algorithms: ["EdDSA"] }).then(() => true, () => false);
// The last digit of a base64url text may have bits that are not part of its bytes.
const bytesOf = (token) => token.split(".").map((part) => Buffer.from(part, "base64url").toString("hex")).join(".");

let rejected = 0;
const leaves = [];
for (const token of tokens) {
    const { payload } = await compactVerify(token, keys, { algorithms: ["EdDSA"] });
    leaves.push(Buffer.from(payload).toString("base64"));
    const bytes = Buffer.from(token, "latin1");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] ^= 1 << (bit & 7);
        const text = changed.toString("latin1");
        if (await accepts(text)) {
            if (bytesOf(text) !== bytesOf(token)) throw new Error(`a token with the changed bit ${bit} was accepted`);
            continue;
        }
        rejected++;
    }
}
console.log(JSON.stringify({ leaves, rejected }));
