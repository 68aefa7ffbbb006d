"""The commands that README.md shows for the API do, as they are printed, what is written beside them."""
import re
import shlex

from daemon import ROOT
from lab import line
from waiting import until


def block(start):
    """The lines of the code block of README.md that begins with `start`, continuation lines joined."""
    text = (ROOT / "README.md").read_text()
    body = text[text.index(start):]
    return body[:body.index("```")].replace("\\\n", " ").splitlines()


def test_the_tour_of_the_api(lab, need):
    need("curl")
    a, b, c = line(lab)
    b.config["api"]["listen"].append({"tcp": "127.0.0.1:5121"})
    b.restart()
    a.reaches(c)
    signed = lab.ca.sign_config({"prefix_whitelist": {a.name: [a.prefix], c.name: [c.prefix]}})
    (b.folder / "dconf.bin").write_bytes(signed)
    token, answers = None, {}
    for text in block('V="curl -s --unix-socket'):
        command = re.sub(r"\s+#.*$", "", text).strip()
        if not command or command.startswith("V="):
            continue
        command = command.replace("$V", f"curl -s --unix-socket {shlex.quote(str(b.socket_path))}")
        if token:
            command = command.replace("vmt_…", token)
        out = b.namespace.run("sh", "-c", f"{command} -w '\\n%{{http_code}}'", cwd=b.folder)
        body, _, status = out.rpartition("\n")
        assert status in ("200", "201"), f"{command}\n{out}"
        answers[command.split()[-1].strip("'")] = body
        if found := re.search(r'"token":"(vmt_[^"]+)"', body):
            token = found[1]
    assert len(answers) >= 8 and token, "every line was run"
    assert b.api.get("/v1/distributed-config")["hash"], "the upload took hold"
    assert b.api.status_of("GET", "/v1/config/peers/d.vnet.example.com") == 404, "a dry run"
    until(lambda: a.ping(c.address), 3)
