"""Enrols a person, recognises and verifies another photo of them, and forgets them. Needs `pip install requests`.
Use: python people.py http://127.0.0.1:8000 "Ada Lovelace" first.jpg second.jpg"""
import os, sys, requests

sys.excepthook = lambda kind, error, trace: print(error, file=sys.stderr)
if len(sys.argv) != 5:
    sys.exit("Use: python people.py URL NAME FIRST_PHOTO SECOND_PHOTO")
url, name, first, second = sys.argv[1:]
session = requests.Session()
session.headers["Accept"] = "application/json"
session.headers["Authorization"] = f"Bearer {os.environ.get('API_KEY')}"

def call(method, path, photos=(), fields=None):
    files = [("inputFile", (os.path.basename(photo), open(photo, "rb"))) for photo in photos]
    response = session.request(method, url.rstrip("/") + path, data=fields, files=files or None)
    if not response.ok:
        sys.exit(response.json()["detail"])
    return response.json()

enrolled = call("POST", "/v1/people", [first], {"name": name})
print(f"enrolled {enrolled['person']['name']}", *(doubt["message"] for doubt in enrolled["doubts"]), sep="\n  ")
recognised = call("POST", "/", [second])
print(f"recognised {recognised['name']}, odds 1 in {recognised['odds']}")
verified = call("POST", "/v1/verifications", [first, second])
print("verified:", "the same person," if verified["same"] else "different people,", f"odds 1 in {verified['odds']}")
receipt = call("DELETE", f"/v1/people/{enrolled['person']['id']}")
print(f"forgot {receipt['person']}, receipt {receipt['id']}")
