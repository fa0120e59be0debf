// Serves OpenID Connect on loopback: `node server.mjs PORT REDIRECT_URI`; says "listening" once it does.
import { Provider } from 'oidc-provider';

const [port, redirect] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'cjp-fraud', client_secret: 'a secret of the client', redirect_uris: [redirect],
    grant_types: ['authorization_code'], response_types: ['code'],
  }],
  conformIdTokenClaims: false,
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
