#!/usr/bin/env bash
# Checks the alert rules of deploy/prometheus and runs their tests, and checks that the expressions
# of deploy/grafana are some: by promtool.
set -euo pipefail
cd "$(dirname "$0")/../deploy"

promtool check rules prometheus/alerts.yml
(cd prometheus && promtool test rules alerts_test.yml)

# A recording rule for each expression of the dashboard.
rules=$(mktemp --suffix=.yml)
trap 'rm -f "$rules"' EXIT
python3 - grafana/throng.json >"$rules" <<'END'
import json, sys
print("groups: [{name: dashboard, rules: [")
number = 0
for panel in json.load(open(sys.argv[1]))["panels"]:
    for target in panel["targets"]:
        number += 1
        print(json.dumps({"record": f"dashboard:{number}", "expr": target["expr"]}), ",")
print("]}]")
END
promtool check rules "$rules"
