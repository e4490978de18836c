// A real provider of OpenID Connect for journeys: the certified `oidc-provider`, on loopback, with accounts told on stdin.
// Its first line of input is JSON: port, client, secret, redirect and logout addresses, accounts by subject, the name of
// its key. Each further line replaces the accounts. It says "ready" once it listens.
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const told = JSON.parse((await lines.next()).value);
let accounts = told.accounts;

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048, privateKeyEncoding: { format: "pem", type: "pkcs8" }, publicKeyEncoding: { format: "pem", type: "spki" } });
const key = { ...createPrivateKey(privateKey).export({ format: "jwk" }), kid: told.key, use: "sig", alg: "RS256" };

const provider = new Provider(`http://127.0.0.1:${told.port}`, {
  clients: [{
    client_id: told.client,
    client_secret: told.secret,
    redirect_uris: told.redirects,
    post_logout_redirect_uris: told.leaves,
    grant_types: ["authorization_code"],
    response_types: ["code"],
  }],
  jwks: { keys: [key] },
  cookies: { keys: ["of a provider that lives for one test"] },
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"] },
  conformIdTokenClaims: told.userinfo,
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      logoutSource: (context, form) => {
        context.body = `<!doctype html><html lang="en"><title>The provider</title>${form}<button form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button></html>`;
      },
    },
  },
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  // Who signs in has agreed: consent is not what is looked at here.
  loadExistingGrant: async (context) => {
    const { client, params, session } = context.oidc;
    const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(params.scope);
    await grant.save();
    return grant;
  },
});

provider.use(async (context, next) => {
  if (context.path === "/favicon.ico") {
    context.status = 204;
    return;
  }
  const uid = /^\/interaction\/([\w-]+)$/.exec(context.path)?.[1];
  if (!uid) {
    await next();
    return;
  }
  if (context.method === "GET") {
    context.type = "html";
    context.body = `<!doctype html><html lang="en"><title>The provider</title><form method="post"><label>Account <input name="account"></label><button>Sign in there</button></form><form method="post"><button name="cancel" value="1">Cancel</button></form></html>`;
    return;
  }
  const body = await new Promise((resolve) => {
    let read = "";
    context.req.on("data", (chunk) => { read += chunk; }).on("end", () => resolve(new URLSearchParams(read)));
  });
  const result = body.has("cancel") ? { error: "access_denied" } : { login: { accountId: body.get("account") } };
  await provider.interactionFinished(context.req, context.res, result);
  context.respond = false;
});

provider.listen(told.port, "127.0.0.1", () => console.log("ready"));
for await (const line of lines) accounts = JSON.parse(line);
