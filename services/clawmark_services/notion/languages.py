"""The languages that a code block can name (`LanguageRequest` of the published client's types)."""

from __future__ import annotations

LANGUAGES = (
    *("abap", "abc", "agda", "arduino", "ascii art", "assembly", "bash", "basic", "bnf", "c", "c#"),
    *("c++", "clojure", "coffeescript", "coq", "css", "dart", "dhall", "diff", "docker", "ebnf"),
    *("elixir", "elm", "erlang", "f#", "flow", "fortran", "gherkin", "glsl", "go", "graphql"),
    *("groovy", "haskell", "hcl", "html", "idris", "java", "javascript", "json", "julia", "kotlin"),
    *("latex", "less", "lisp", "livescript", "llvm ir", "lua", "makefile", "markdown", "markup"),
    *("matlab", "mathematica", "mermaid", "nix", "notion formula", "objective-c", "ocaml", "pascal"),
    *("perl", "php", "plain text", "powershell", "prolog", "protobuf", "purescript", "python", "r"),
    *("racket", "reason", "ruby", "rust", "sass", "scala", "scheme", "scss", "shell", "smalltalk"),
    *("solidity", "sql", "swift", "toml", "typescript", "vb.net", "verilog", "vhdl", "visual basic"),
    *("webassembly", "xml", "yaml", "java/c/c++/c#"),
)

ALIASES = {
    "py": "python",
    "js": "javascript",
    "ts": "typescript",
    "sh": "shell",
    "zsh": "shell",
    "console": "shell",
    "yml": "yaml",
    "md": "markdown",
    "cpp": "c++",
    "cs": "c#",
    "rb": "ruby",
    "rs": "rust",
    "golang": "go",
    "text": "plain text",
    "": "plain text",
}
"""What Markdown calls some of them."""
