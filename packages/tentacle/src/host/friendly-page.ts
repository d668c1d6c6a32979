import type { FriendlyPage } from '@tentacle/halibut'

/**
 * What a browser or a health probe sees on the agent's port. It tells that something listens and nothing else: no
 * version, no name, nothing that runs or can be framed (docs/wire/tentacle-settings.md 9).
 */
export const friendlyPage: FriendlyPage = {
  headers: {
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'X-XSS-Protection': '1; mode=block',
    'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  },
  html: `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Tentacle</title>
<style>body{font-family:sans-serif;margin:4em auto;max-width:36em;line-height:1.5}</style>
</head>
<body>
<h1>A Tentacle listens here</h1>
<p>The agent is set up and reachable. It answers servers that it trusts, and shows this page to browsers.</p>
<p>To give it work, add this machine as a deployment target to your server.</p>
</body>
</html>
`,
}
