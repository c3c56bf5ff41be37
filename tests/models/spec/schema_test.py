"""docs/reference/scenario.schema.json and study.schema.json, judged by the jsonschema package: a schema of its draft, which accepts every scenario that is
kept and refuses what a schema can know to be broken.

  schema_test.py ROOT      exit 77: the package is not here
"""
import glob
import json
import os
import re
import sys

SKIPPED = 77

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("the Python package jsonschema is not here")
    sys.exit(SKIPPED)

# Text in quotes, or a comment: what stands first at a place is what it is.
COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.S)

# What units are worth, and how fields fit together, no schema can say: of the broken files it must refuse these kinds.
KNOWABLE = re.compile(r"^\d+-(unknown-key|choice-|count-(zero|below|above|with)|name-(missing|empty|with|of|too)|members-(as|empty|too|twice|of|with)|"
                      r"size-(as|of|empty|with|zero)|log-normal-(without|with-a-median|of|as)|zipf-(without|with-a-negative|misspelt)|"
                      r"empirical-|rate-(as|without|with|of-(a-bare|an|two))|stages-(empty|of-text|without-a-rate|with-|too)|"
                      r"seed-(negative|beyond|with-a-|in|of)|share-(in|with|too|negative)|bytes-(without|with|in-the|abbreviated|only|empty|of|that)|"
                      r"time-(without|zero|in|that|of)|bit-rate-(in-bps|without)|(connections|size|members)-missing|"
                      r"(object|list|null|true|text|number)-where)")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.loads(COMMENT.sub(lambda match: match[1] or " ", file.read()))


def check_studies(root):
    """Findings; and the mistakes of a study that a schema can know must be refused."""
    schema = read(f"{root}/docs/reference/study.schema.json")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    studies = sorted(glob.glob(f"{root}/scenarios/studies/*.json"))
    findings = [f"{path}: {error.json_path}: {error.message}" for path in studies for error in validator.iter_errors(read(path))]
    if not studies:
        findings.append("no study is there to be accepted")
    axis = {"field": "x", "values": [1]}
    right = {"name": "s", "scenario": "x.json", "axes": {"a": axis}}
    for wrong in ({"scenario": "x.json"}, {**right, "repeat": 0}, {**right, "seed": 1}, {**right, "seeds": []}, {**right, "design": "grid"},
                  {**right, "axes": {"a": {"values": [1]}}}, {**right, "axes": {"a": {**axis, "values": 1}}}, {**right, "where": [1]}):
        if validator.is_valid(wrong):
            findings.append(f"the study's schema accepts {wrong}")
    return findings


def main(root):
    schema = read(f"{root}/docs/reference/scenario.schema.json")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    findings, accepted, refused = check_studies(root), 0, 0
    for path in sorted(glob.glob(f"{root}/scenarios/lobby.json") + glob.glob(f"{root}/scenarios/cases/*.json")):
        scenario = read(path)
        if "populations" not in scenario and "extends" not in scenario:
            continue  # a study or a list, not a scenario
        accepted += 1
        findings += [f"{path}: {error.json_path}: {error.message}" for error in validator.iter_errors(scenario)]
    for path in sorted(glob.glob(f"{root}/tests/models/spec/broken/*.json")):
        if not KNOWABLE.match(os.path.basename(path)):
            continue
        try:
            scenario = read(path)
        except ValueError:
            continue  # broken before any schema is asked
        refused += 1
        if validator.is_valid(scenario):
            findings.append(f"{path}: the schema accepts it")
    print("\n".join(findings) or f"{accepted} scenarios accepted, {refused} broken ones refused")
    sys.exit(bool(findings) or accepted == 0 or refused < 60)


if __name__ == "__main__":
    main(sys.argv[1])
