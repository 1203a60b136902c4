"""Requests that once were answered badly."""

from fuzzing import Shot

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
JSON = {"Content-Type": "application/json"}

CASES: tuple[Shot, ...] = (
    # R's call of a writer named the file that it wrote to.
    Shot("GET", "/ocpu/library/stats/R/rnorm/spss?digits=3"),
    Shot("GET", "/ocpu/library/base/R/identity/sas?n=-1e308&.=true&data=-1e308"),
    Shot("GET", "/ocpu/library/base/R/data.frame/rda?force=1e6"),
    Shot("GET", "/ocpu/tmp/KEY/info/bin"),
    # q() was the server's fault.
    Shot("POST", "/ocpu/library/base/R/q", FORM),
    Shot("POST", "/ocpu/library/base/R/identity", FORM, b"x=quit()"),
    # NUL, and what no file can be called.
    Shot("GET", "/ocpu/library/MASS/..%2f..%2fetc"),
    Shot("GET", "/ocpu/library/MASS/a%00b"),
    Shot("GET", "/ocpu/library/MASS/" + "a" * 300),
    Shot("GET", "/ocpu/apps/a/..%00/"),
    # A line end in a path that is redirected.
    Shot("GET", "/ocpu/library/MASS%0d%0aX-Evil:1"),
    Shot("GET", "/ocpu/github/a/b%0d%0aX-Evil:1"),
    # An argument without a name, and JSON that fromJSON took for a file.
    Shot("POST", "/ocpu/library/base/R/identity", MULTIPART, b"--x\r\n\r\n1\r\n--x--\r\n"),
    Shot("POST", "/ocpu/library/base/R/identity", JSON, b'"/etc/passwd"'),
    Shot("POST", "/ocpu/library/base/R/identity", JSON, b"[" * 100_000),
    Shot("POST", "/ocpu/library/base/R/identity", FORM, b"x=" + b"(" * 100_000),
    Shot("POST", "/ocpu/library/base/R/identity", FORM, b"x=" + b"9" * 8000 + b"a"),
    Shot("GET", "/ocpu/library/base/R/letters/png?width=1e6&height=1e6"),
)
