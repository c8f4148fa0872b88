"""Has a Prometheus evaluate every expression of its alerts and of a board: evaluate.py URL BOARD.

Prints how many there were and how many have values. Ends with 1 and says why if one has an error, or if one of those
without which a board says nothing has no value (yet).
"""

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

# Panels that show something whenever a broker is registered and clients ask for routes.
WITH_VALUES = {"Up", "Ready", "Version", "Requests by code", "Time of route queries", "Brokers", "Topics"}


def ask(url, path, **parameters):
    query = urllib.parse.urlencode(parameters)
    try:
        with urllib.request.urlopen(f"{url}{path}?{query}", timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def alert_faults(url):
    groups = ask(url, "/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    if not rules:
        yield "there are no alerts"
    for rule in rules:
        if rule["health"] != "ok":
            yield f"alert {rule['name']}: {rule['health']} {rule.get('lastError', '')}"


def expressions(board):
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            # As Grafana does where all are chosen.
            expression = target["expr"].replace("$__rate_interval", "10s")
            yield panel["title"], re.sub(r"\$(job|instance|cluster)\b", ".*", expression)


def main():
    url, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        board = json.load(file)
    faults, evaluated, with_values = list(alert_faults(url)), 0, 0
    missing = WITH_VALUES - {panel["title"] for panel in board["panels"]}
    faults.extend(f"there is no panel {title}" for title in missing)
    for title, expression in expressions(board):
        answer = ask(url, "/api/v1/query", query=expression)
        evaluated += 1
        if answer["status"] != "success":
            faults.append(f"{title}: {expression}: {answer.get('error')}")
            continue
        values = [sample["value"][1] for sample in answer["data"]["result"]]
        with_values += bool(values)
        if title in WITH_VALUES and not any(value != "NaN" for value in values):
            faults.append(f"{title}: {expression}: no value")
    up = ask(url, "/api/v1/query", query='up{job="namesrv"}')["data"]["result"]
    if [sample["value"][1] for sample in up] != ["1"]:
        faults.append(f"the NameServer is not up: {up}")
    print("\n".join(faults) if faults else f"{evaluated} of the board, {with_values} have values")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
