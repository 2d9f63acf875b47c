"""translator under mpirun: ranks give what one process gives, a lost or stopped one ends the run, and another number of them goes on with it.
More ranks than cores are for correctness alone."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TRANSLATOR = os.path.abspath(sys.argv[1])
ONLY = sys.argv[2:]
SMALL = {
    "recurrent": ["--embedding", "8", "--encoder-hidden", "8", "--decoder-hidden", "8", "--attention-size", "8", "--readout", "8",
                  "--encoder-layers", "2"],
    "transformer": ["--model-size", "8", "--feed-forward", "16", "--heads", "2", "--encoder-layers", "1", "--decoder-layers", "1"],
    "convolutional": ["--embedding", "8", "--hidden", "8", "--encoder-layers", "1", "--decoder-layers", "1"],
}
ROUNDING = 2e-4  # of a loss: f32, in which 12 updates of Adam grow the differences


def environment(**more):
    return dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_mpi_yield_when_idle="1",
                OMPI_MCA_btl_vader_single_copy_mechanism="none", OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_btl="self,vader",
                HEED_MPI_TIMEOUT="20", **more)


def command(ranks, words):
    return (["mpirun", "-n", str(ranks)] if ranks > 1 else []) + [TRANSLATOR, *map(str, words)]


def run(ranks, *words, fails=False, stdin=None):
    done = subprocess.run(command(ranks, words), env=environment(), input=stdin, capture_output=True, text=True, timeout=120)
    if (done.returncode != 0) != fails:
        raise AssertionError(f"{ranks} ranks, {' '.join(map(str, words))}: {done.returncode}\n{done.stderr}")
    return done


def lines_of(run_folder):
    return [json.loads(line) for line in (run_folder / "metrics.jsonl").read_text().splitlines()]


def near(one, other, what):
    """The figures of all lines but those of time."""
    assert len(one) == len(other), f"{what}: {len(one)} and {len(other)} lines"
    for a, b in zip(one, other):
        assert a["update"] == b["update"], f"{what}: {a} {b}"
        for key, value in a.items():
            if "loss" in key and value is not None:
                assert abs(value - b[key]) <= ROUNDING * max(1, abs(value)), f"{what}: {a} {b}"


class Test:
    def __init__(self, folder):
        self.folder = folder
        self.corpus = folder / "corpus"
        run(1, "corpus", "-o", self.corpus, "--train", 90, "--validation", 9, "--test", 40)

    def training(self, name, *words, architecture="recurrent"):
        files = ["-s", self.corpus / "train.en", "-t", self.corpus / "train.de", "--valid-source", self.corpus / "valid.en",
                 "--valid-target", self.corpus / "valid.de"]
        return ["train", "-r", self.folder / name, "--threads", 1, *files, "--architecture", architecture, *SMALL[architecture],
                "--log-every", 1, "--dropout", 0.3, *words]

    def losses(self, name, ranks, *words, architecture="recurrent"):
        run(ranks, *self.training(name, "--updates", 12, "--validate-every", 6, *words, architecture=architecture))
        return lines_of(self.folder / name)

    def equal_losses(self):
        """With dropout, so that the masks must be those of one rank."""
        for architecture, counts in [("recurrent", (2, 4)), ("transformer", (3,)), ("convolutional", (2,))]:
            one = self.losses(f"{architecture}1", 1, "--batch-size", 10, architecture=architecture)
            assert len(one) == 14, one
            for ranks in counts:
                many = self.losses(f"{architecture}{ranks}", ranks, "--batch-size", 10, architecture=architecture)
                near(one, many, f"{architecture} on {ranks} ranks")
        other = self.losses("seed", 1, "--batch-size", 10, "--dropout", 0.2)
        try:
            near(lines_of(self.folder / "recurrent1"), other, "")
        except AssertionError:
            return
        raise AssertionError("other masks go unnoticed")

    def few_pairs(self):
        """A batch with fewer pairs than ranks, and several batches an update."""
        words = ["--batch-size", 2, "--accumulate", 2, "--attention", "local_p"]
        near(self.losses("few1", 1, *words), self.losses("few3", 3, *words), "few pairs")

    def guided(self):
        links = self.corpus / "train.links"
        count = len((self.corpus / "train.en").read_text().splitlines())
        links.write_text("".join("0-0 1-1\n" if i % 3 else "\n" for i in range(count)))
        words = ["--guided-alignment", 0.5, "--alignments", links, "--batch-size", 6]
        near(self.losses("guided1", 1, *words), self.losses("guided2", 2, *words), "guided alignment")

    def resumed(self):
        """By two ranks, and on by three, as one alone."""
        for name, first, second in [("alone", 1, 1), ("other", 2, 3)]:
            words = ["--batch-size", 10, "--save-every", 1, "--average", 2, "--validate-every", 3]
            run(first, *self.training(name, "--updates", 7, *words))
            report = self.folder / f"{name}.json"
            run(second, *self.training(name, "--updates", 12, *words, "--resume", "--json", report))
        near(lines_of(self.folder / "alone"), lines_of(self.folder / "other"), "resumed")
        ranks = json.loads(report.read_text())["ranks"]
        assert ranks["count"] == 3 and ranks["bytes"] > 1000 and ranks["seconds"] >= 0, ranks
        assert not (self.folder / "other" / "run.lock").exists()

    def start(self, name, ranks, words, limit):
        """A training that has saved its state; and the processes of its ranks."""
        process = subprocess.Popen(command(ranks, self.training(name, *words)), env=environment() | {"HEED_MPI_TIMEOUT": limit},
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        state = self.folder / name / "state.safetensors"
        end = time.monotonic() + 60
        while not state.exists():
            assert time.monotonic() < end and process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        by_rank = {}
        for pid in subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split():
            variables = dict(entry.split("=", 1) for entry in pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in entry)
            by_rank[int(variables["OMPI_COMM_WORLD_RANK"])] = int(pid)
        return process, by_rank

    def told(self):
        """A signal to one rank stops all after the update under way, and the state is saved."""
        process, by_rank = self.start("told", 2, ["--updates", 4000, "--save-every", 5, "--validate-every", 10000], "20")
        os.kill(by_rank[1], signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=30)
        assert process.returncode == 128 + signal.SIGTERM, (process.returncode, stderr)
        done = lines_of(self.folder / "told")[-1]["update"]
        assert f"stopped after update {done};" in stdout and done < 4000, stdout
        assert not (self.folder / "told" / "run.lock").exists()

    def lost(self, name, ranks, send, victim, limit):
        """Ends a rank or stops it; the run ends by itself, and goes on."""
        words = ["--updates", 200, "--batch-size", 10, "--save-every", 5, "--validate-every", 1000]
        process, by_rank = self.start(name, ranks, words, "2")
        begin = time.monotonic()
        os.kill(by_rank[victim], send)
        try:
            stderr = process.communicate(timeout=limit)[1]
        except subprocess.TimeoutExpired:
            for pid in [*by_rank.values(), process.pid]:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"{name}: still there after {limit} s") from None
        assert process.returncode != 0, stderr
        if send == signal.SIGSTOP:
            said = [line for line in stderr.splitlines() if f"rank {victim} has not answered for 2 s" in line]
            assert len(said) == 1, stderr
        print(f"  {name}: ended after {time.monotonic() - begin:.1f} s", flush=True)
        assert lines_of(self.folder / name)[-1]["update"] < 200, "it had ended"
        resumed = run(1 if ranks > 2 else 3, *self.training(name, *words, "--resume"))
        assert "resumes" in resumed.stderr, resumed.stderr
        assert lines_of(self.folder / name)[-1]["update"] == 200

    def killed(self):
        self.lost("killed", 3, signal.SIGKILL, 2, 30)

    def stopped(self):
        self.lost("stopped", 2, signal.SIGSTOP, 1, 30)

    def stopped_first(self):
        self.lost("stopped_first", 2, signal.SIGSTOP, 0, 30)

    def one_message(self):
        """What all ranks refuse is said once."""
        said = run(3, *self.training("none", "--heads", "no"), fails=True).stderr
        assert said.count("translator: ") == 1, said
        said = run(2, *self.training("none", "--batch-size", 4, "--resume"), fails=True).stderr
        assert said.count("translator: ") == 1, said

    def translated(self):
        """In order, and the same as by one."""
        folder = self.folder / "translated"
        run(1, *self.training("translated", "--updates", 20, "--validate-every", 20))
        source, target = self.corpus / "test.en", self.corpus / "test.de"
        text = source.read_text()
        for words in [["--decode-batch-size", 1], ["--beam", 3, "--n-best", 2]]:
            one = run(1, "translate", "-r", folder, "-s", source, *words).stdout
            assert one.count("\n") >= 40
            assert run(3, "translate", "-r", folder, "-s", source, *words).stdout == one, words
        one = run(1, "translate", "-r", folder, "-s", source).stdout
        assert run(2, "translate", "-r", folder, stdin=text).stdout == one, "standard input"
        for ranks in (1, 2):
            run(ranks, "translate", "-r", folder, "-s", source, "-o", self.folder / f"out{ranks}", "--records", self.folder / f"records{ranks}")
            evaluated = run(ranks, "evaluate", "-r", folder, "-s", source, "-t", target, "--json", self.folder / f"scores{ranks}")
            assert evaluated.stdout.count("decoding speed") == 1, evaluated.stdout
        assert (self.folder / "out1").read_text() == (self.folder / "out2").read_text() == one
        ids = [[json.loads(line)["id"] for line in (self.folder / f"records{ranks}").read_text().splitlines()] for ranks in (1, 2)]
        assert ids[0] == ids[1] == list(range(1, 41)), ids
        scores = [json.loads((self.folder / f"scores{ranks}").read_text()) for ranks in (1, 2)]
        for key, value in scores[0].items():
            if isinstance(value, float) and "second" not in key:
                assert abs(value - scores[1][key]) <= ROUNDING * max(1, abs(value)), (key, value, scores[1][key])


def main():
    if not shutil.which("mpirun") or not (pathlib.Path(TRANSLATOR).parent.parent / "lib/heed/heed_mpi.so").exists():
        print("SKIPPED: no MPI")
        return
    with tempfile.TemporaryDirectory() as folder:
        test = Test(pathlib.Path(folder))
        for name in ONLY or ["equal_losses", "few_pairs", "guided", "resumed", "killed", "stopped", "stopped_first", "told", "one_message", "translated"]:
            begin = time.monotonic()
            getattr(test, name)()
            print(f"{name}: {time.monotonic() - begin:.1f} s", flush=True)


main()
