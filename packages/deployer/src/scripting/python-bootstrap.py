"""Runs a Python script of a step: python3 bootstrap.py SCRIPT VARIABLES_FILE [PARAMETER...]"""
import base64
import json
import os
import runpy
import sys


def _start():
    script, variables_file = sys.argv[1], sys.argv[2]
    with open(variables_file, encoding="utf-8") as file:
        variables = json.load(file)
    os.remove(variables_file)

    def encode(text):
        return base64.b64encode(str(text).encode("utf-8")).decode("ascii")

    def message(_kind, **attributes):
        text = "".join(" %s='%s'" % (key, encode(value)) for key, value in attributes.items() if value is not None)
        print("##octopus[%s%s]" % (_kind, text), flush=True)

    def at_level(level, text):
        print("##octopus[stdout-%s]\n%s\n##octopus[stdout-default]" % (level, text), flush=True)

    def get_octopusvariable(key):
        return variables.get(key) or ""

    def set_octopusvariable(name, value, sensitive=False):
        message("setVariable", name=name, value=value, sensitive="True" if sensitive else None)

    def createartifact(path, fileName=None):
        path = os.path.abspath(path)
        length = os.path.getsize(path) if os.path.isfile(path) else 0
        at_level("verbose", "The file %s will be kept as an artifact." % path)
        message("createArtifact", path=path, name=fileName or os.path.basename(path), length=length)

    def updateprogress(progress, text=None):
        message("progress", percentage=progress, message=text)

    def failstep(text=None):
        if text is not None:
            message("resultMessage", message=text)
        sys.exit(255)

    def printverbose(text):
        at_level("verbose", text)

    def printhighlight(text):
        at_level("highlight", text)

    def printwait(text):
        at_level("wait", text)

    def printwarning(text):
        at_level("warning", text)

    def set_environmentstate(key, value, sensitive=False, type="State"):
        message("set-environmentstate", key=key, value=value, sensitive="True" if sensitive else None, type=type)

    def set_environmenturl(key, url):
        set_environmentstate(key, url, type="Url")

    functions = [
        get_octopusvariable, set_octopusvariable, createartifact, updateprogress, failstep, printverbose,
        printhighlight, printwait, printwarning, set_environmentstate, set_environmenturl,
    ]
    names = {function.__name__: function for function in functions}
    names["octopusvariables"] = variables
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    sys.argv = [script] + sys.argv[3:]
    runpy.run_path(script, init_globals=names, run_name="__main__")


_start()
