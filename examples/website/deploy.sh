#!/usr/bin/env bash
# Runs on the target, in the folder that the package was unpacked to, after the variables in the files were replaced.
set -euo pipefail

write_highlight "Installing $(get_octopusvariable 'Site.Title') $(get_octopusvariable 'Octopus.Release.Number') on $(get_octopusvariable 'Octopus.Machine.Name')"

mkdir -p public
for file in index.html site.css config.json; do
  cp "$file" public/
  echo "published $file ($(wc -c <"$file" | tr -d ' ') bytes)"
done

if grep -q '#{' public/*; then
  fail_step 'A variable was not replaced; is it defined for this environment?'
fi

update_progress 100 'published'
set_octopusvariable 'PublicFolder' "$PWD/public"
echo "The site is in $PWD/public"
