"""Hosts as a Host header or a setting names them: this machine, others, and what is no host."""

# A host as a Host header or a setting names it, and what is used from then on.
LOCAL_HOSTS = {
    "localhost": "localhost",
    "LOCALHOST:3000": "localhost:3000",
    "127.0.0.1": "127.0.0.1",
    "127.0.0.1:1": "127.0.0.1:1",
    "127.0.0.1:65535": "127.0.0.1:65535",
    "127.0.0.1:00080": "127.0.0.1:80",
    "127.8.9.10:80": "127.8.9.10:80",
    "[::1]": "[::1]",
    "[::1]:3000": "[::1]:3000",
    "[0:0:0:0:0:0:0:1]:3000": "[::1]:3000",
}

OTHER_HOSTS = [
    *("example.com:3000", "localhost.example.com", "127.0.0.1.example.com", "192.0.2.1:80", "0.0.0.0:80"),
    # A resolver leads these here, too, but a page may be theirs.
    *("a.localhost", "a.localhost:3000", "evillocalhost", "evillocalhost:3000", "localhost.evil.test"),
    *("localhost.", "localhost.:80", "127.0.0.1.", "127.0.0.1.:80", "localhos", "ocalhost", "localhosts"),
    *("127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.01"),
    *("[2001:db8::1]", "[::]", "[fe80::1]:80"),
]

NO_HOSTS = [
    *("", ":", ":3000", " localhost", "localhost ", "localhost\n", "localhost:80\n", "l\x00calhost"),
    *("localhost:", "localhost:x", "localhost:+80", "localhost:-1", "localhost:0", "localhost:65536"),
    *("localhost:999999", "localhost:80:80", "localhost: 80", "localhost:\u0663", "localho\u017ft"),
    # What follows the percent sign, or comes before the @, is read in two ways.
    *("127.0.0.1%2f@192.0.2.1:80", "127.0.0.1%.evil.test", "127.0.0.1%00", "localhost%2e", "localhost%"),
    *("user@localhost", "user:secret@127.0.0.1:80", "127.0.0.1:80@evil.test", "evil.test#@127.0.0.1:80"),
    *("127.0.0.1/", "127.0.0.1\\@evil.test", "127.0.0.1?", "evil.test#127.0.0.1:80", "http://127.0.0.1:80"),
    *("::1", "::1%lo", "::1]", "[::1", "[127.0.0.1", "127.0.0.1]", "[127.0.0.1]", "[[::1]]", "[::1]]", "[]"),
    *("[::1]x", "[::1]80", "x[::1]", "[::1%lo]", "[::1%25lo]:80", "[localhost]", "[::1.]", "[:::1]"),
    *("127.0.0.1,127.0.0.1", "localhost;evil.test", "a" * 300, "127.0.0.1:" + "0" * 300 + "80"),
]
