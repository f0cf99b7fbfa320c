"""The files in deploy/ say what they must: only Postern reaches the gateway, nothing has a right it doesn't need."""

import os
import re
import shutil
import signal
import subprocess

import pytest
import yaml

from harness.client import basic
from harness.process import REPOSITORY, postern_binary
from harness.site import Site
from image.dockerfile import Dockerfile

#: "password", by bcrypt at cost 4: hashed on a thread of its own.
BCRYPT = "carol:$2y$04$3ud6fxGNIxC44nprn/0mb.bK7OBPYIMgbzNF7UHFacjNzcEywDyW.\n"

DEPLOY = REPOSITORY / "deploy"


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def seconds(text):
    """Of "40s"."""
    assert text.endswith("s")
    return int(text[:-1])


def directive(name, path):
    """A directive's only argument in a configuration file; comments don't count."""
    found = [line.split(None, 1)[1].rstrip(";") for line in path.read_text().splitlines() if line.split()[:1] == [name]]
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


class WithoutAccount(Site):
    """Without `user`, as under systemd: the account is the service manager's affair."""

    def _main(self):
        return super()._main().replace("user root;", "")


def system_calls(*names):
    """The calls of systemd's groups (@system-service), groups within groups included."""
    found = set()
    for name in names:
        if not name.startswith("@"):
            found.add(name)
            continue
        answer = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
        words = [line.strip() for line in answer.stdout.splitlines()[1:]]
        found |= system_calls(*[word for word in words if word and not word.startswith("#")])
    return found


class TestCompose:
    @pytest.fixture
    def compose(self):
        return documents(DEPLOY / "compose.yaml")[0]

    @pytest.fixture(params=["postern", "openclaw-gateway"])
    def service(self, request, compose):
        return compose["services"][request.param]

    def test_only_postern_is_published(self, compose):
        published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
        assert published == {"postern": ["80:8080", "443:8443"]}
        for service in compose["services"].values():
            assert "network_mode" not in service and "expose" not in service

    def test_the_gateway_shares_one_network_with_postern_which_leads_nowhere(self, compose):
        services, networks = compose["services"], compose["networks"]
        shared = set(services["postern"]["networks"]) & set(services["openclaw-gateway"]["networks"])
        assert shared == {"gateway"}
        assert networks["gateway"]["internal"] is True

    def test_everything_is_locked_down(self, service):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service and "privileged" not in service and "devices" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["logging"]["options"].keys() >= {"max-size", "max-file"}
        for mount in service["tmpfs"]:
            assert {"nosuid", "nodev"} <= set(mount.split(":", 1)[1].split(","))
        assert not any("docker.sock" in str(volume) for volume in service["volumes"])

    def test_secrets_are_files(self, compose, service):
        assert service["secrets"] == ["gateway_token"]
        assert compose["secrets"] == {"gateway_token": {"file": "./secrets/gateway_token"}}
        assert not any("TOKEN" in name for name in service.get("environment", {}))

    def test_state_outlives_the_container(self, compose):
        postern = compose["services"]["postern"]
        assert "postern-state:/var/lib/postern" in postern["volumes"]
        assert "postern-state" in compose["volumes"]
        binds = [volume for volume in postern["volumes"] if isinstance(volume, dict)]
        assert [(bind["target"], bind["read_only"]) for bind in binds] == [("/etc/postern", True)]

    def test_it_agrees_with_the_image(self, compose):
        postern, image = compose["services"]["postern"], Dockerfile()
        build = postern["build"]
        assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
        assert postern["user"] == "{}:{}".format(*image.user)
        assert postern["stop_signal"] == image.value("STOPSIGNAL") == "SIGQUIT"
        assert postern["healthcheck"]["test"][1:] == image.health_check
        assert {port.split(":")[1] for port in postern["ports"]} == set(image.value("EXPOSE").split())

    def test_a_drain_has_the_time_it_may_take(self, compose):
        grace = seconds(compose["services"]["postern"]["stop_grace_period"])
        assert grace > seconds(directive("worker_shutdown_timeout", DEPLOY / "proxy.conf"))


class TestKubernetes:
    FOLDER = DEPLOY / "kubernetes"

    @pytest.fixture
    def objects(self):
        """By kind, from the files that kustomization.yaml names."""
        kustomization = documents(self.FOLDER / "kustomization.yaml")[0]
        found = {}
        for name in kustomization["resources"]:
            for document in documents(self.FOLDER / name):
                found.setdefault(document["kind"], []).append(document)
        return found

    @pytest.fixture
    def pod(self, objects):
        return objects["Deployment"][0]["spec"]["template"]["spec"]

    @pytest.fixture
    def postern(self, pod):
        return pod["containers"][0]

    @pytest.fixture
    def gateway(self, pod):
        return pod["initContainers"][0]

    def test_every_file_is_used_and_nothing_secret_is_among_them(self, objects):
        kustomization = documents(self.FOLDER / "kustomization.yaml")[0]
        named = set(kustomization["resources"]) | set(kustomization["configMapGenerator"][0]["files"])
        there = {path.name for path in self.FOLDER.iterdir()}
        assert there - named == {"kustomization.yaml", "secrets.example.yaml"}
        kinds = {"Namespace", "PersistentVolumeClaim", "Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"}
        assert set(objects) == kinds

    def test_the_namespace_insists(self, objects):
        labels = objects["Namespace"][0]["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"

    def test_the_pod_keeps_to_the_restricted_profile(self, pod):
        """https://kubernetes.io/docs/concepts/security/pod-security-standards/, and read-only roots besides."""
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in pod["containers"] + pod["initContainers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["runAsUser"] > 0
            assert container["resources"]["limits"].keys() >= {"memory"}
            assert not any("hostPort" in port for port in container.get("ports", []))
        kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "secret", "emptyDir", "persistentVolumeClaim"}

    def test_the_gateway_is_on_loopback_and_ends_last(self, gateway, pod):
        command = gateway["command"]
        assert command[command.index("--bind") + 1] == "loopback"
        assert "ports" not in gateway
        assert gateway["restartPolicy"] == "Always"  # Which makes it a sidecar: ended after the others.
        assert directive("proxy_pass", self.FOLDER / "proxy.conf") == "http://127.0.0.1:18789"

    def test_only_posterns_ports_are_reached(self, objects, postern):
        ports = {port["name"]: port["containerPort"] for port in postern["ports"]}
        assert ports == {"https": 8443, "http": 8080}
        service = objects["Service"][0]["spec"]
        assert {port["targetPort"] for port in service["ports"]} == set(ports)
        policy = objects["NetworkPolicy"][0]["spec"]
        assert policy["policyTypes"] == ["Ingress"]
        assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == set(ports)

    def test_the_selectors_meet(self, objects):
        labels = objects["Deployment"][0]["spec"]["template"]["metadata"]["labels"]
        assert objects["Deployment"][0]["spec"]["selector"]["matchLabels"] == labels
        assert objects["Service"][0]["spec"]["selector"] == labels
        assert objects["NetworkPolicy"][0]["spec"]["podSelector"]["matchLabels"] == labels
        assert objects["PodDisruptionBudget"][0]["spec"]["selector"]["matchLabels"] == labels

    def test_probes_ask_postern(self, postern):
        live, ready = postern["livenessProbe"]["httpGet"], postern["readinessProbe"]["httpGet"]
        assert live == {"path": directive("health", self.FOLDER / "proxy.conf"), "port": "https", "scheme": "HTTPS"}
        assert ready == {"path": "/.postern/ready", "port": "https", "scheme": "HTTPS"}

    def test_a_drain_has_the_time_it_may_take(self, pod, postern):
        sleep, time = postern["lifecycle"]["preStop"]["exec"]["command"]
        assert sleep == "/bin/sleep"
        drain = seconds(directive("worker_shutdown_timeout", self.FOLDER / "proxy.conf"))
        assert pod["terminationGracePeriodSeconds"] >= int(time) + drain + 10
        # What Kubernetes sends is the image's own signal.
        assert Dockerfile().value("STOPSIGNAL") == "SIGQUIT"

    def test_what_is_mounted_is_there(self, pod, objects):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in pod["containers"] + pod["initContainers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)
        claims = {claim["metadata"]["name"] for claim in objects["PersistentVolumeClaim"]}
        used = [volume["persistentVolumeClaim"] for volume in volumes.values() if "persistentVolumeClaim" in volume]
        assert {claim["claimName"] for claim in used} == claims
        examples = {secret["metadata"]["name"] for secret in documents(self.FOLDER / "secrets.example.yaml")}
        used = [volume["secret"] for volume in volumes.values() if "secret" in volume]
        assert {secret["secretName"] for secret in used} == examples
        for secret in documents(self.FOLDER / "secrets.example.yaml"):
            assert set(secret["stringData"].values()) == {"REPLACE"}

    def test_kustomize_takes_it(self):
        if shutil.which("kubectl") is None:
            pytest.skip("kubectl is not installed")
        answer = subprocess.run(["kubectl", "kustomize", self.FOLDER], capture_output=True, text=True, timeout=60)
        assert answer.returncode == 0, answer.stderr
        made = [document for document in yaml.safe_load_all(answer.stdout) if document]
        (config,) = [document for document in made if document["kind"] == "ConfigMap"]
        assert config["data"]["proxy.conf"] == (self.FOLDER / "proxy.conf").read_text()
        (deployment,) = [document for document in made if document["kind"] == "Deployment"]
        volumes = deployment["spec"]["template"]["spec"]["volumes"]
        assert {"name": "config", "configMap": {"name": config["metadata"]["name"]}} in volumes
        spaces = {document["metadata"].get("namespace") for document in made if document["kind"] != "Namespace"}
        assert spaces == {"openclaw"}


@pytest.mark.parametrize("name", ["proxy.conf", "kubernetes/proxy.conf"])
def test_the_configurations_are_valid(name, postern, tmp_path, certificate, users):
    text = (DEPLOY / name).read_text()
    (tmp_path / "htpasswd").write_text(users)
    for word, path in {
        "/etc/postern/tls/cert.pem": certificate[0],
        "/etc/postern/tls/key.pem": certificate[1],
        "/etc/postern/tls/tls.crt": certificate[0],
        "/etc/postern/tls/tls.key": certificate[1],
        "/etc/postern/users/htpasswd": tmp_path / "htpasswd",
        "/etc/postern/htpasswd": tmp_path / "htpasswd",
        "/run/postern/": f"{tmp_path}/",
        "/var/lib/postern/": f"{tmp_path}/",
        # A name of the containers' network only.
        "openclaw-gateway:18789": "127.0.0.1:18789",
    }.items():
        text = text.replace(word, str(path))
    path = tmp_path / "proxy.conf"
    path.write_text(text)
    answer = postern("check", "-c", path)
    assert answer.returncode == 0, answer.stderr
    assert "error" not in answer.stdout + answer.stderr


class TestUnit:
    PATH = DEPLOY / "postern.service"

    #: What systemd says of a unit as it can be: the network, AF_UNIX and one capability are what a proxy is for.
    LARGEST_EXPOSURE = 2.0

    @pytest.fixture
    def unit(self, tmp_path):
        """With the binary where it is, since systemd looks whether it is there."""
        if shutil.which("systemd-analyze") is None:
            pytest.skip("systemd-analyze is not installed")
        path = tmp_path / "postern.service"
        path.write_text(self.PATH.read_text().replace("/usr/bin/postern", str(postern_binary())))
        return path

    def test_systemd_finds_no_fault(self, unit):
        answer = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
        assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")

    def test_its_exposure_is_small(self, unit):
        command = ["systemd-analyze", "security", "--offline=true", "--no-pager", unit]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
        last = answer.stdout.strip().splitlines()[-1]
        assert "Overall exposure level" in last, answer.stdout + answer.stderr
        assert float(last.split(":")[1].split()[0]) <= self.LARGEST_EXPOSURE

    @pytest.mark.measures("its system calls")
    def test_its_system_calls_are_allowed(self, unit, start, recorder, users):
        """What it calls while it starts, serves, logs people in, reloads and drains, held against the unit's filter."""
        if shutil.which("strace") is None:
            pytest.skip("strace is not installed")
        allowed = set()
        for words in self.settings("SystemCallFilter"):
            named = system_calls(*words.lstrip("~").split())
            allowed = allowed - named if words.startswith("~") else allowed | named
        server = start(
            "postern-native",
            WithoutAccount(
                upstream=recorder.address,
                auth=True,
                users=users + BCRYPT,
                http2=True,
                workers=2,
                main="worker_rlimit_nofile 4096;",
            ),
            wrap=["strace", "-f", "--seccomp-bpf", "-qq", "-o", f"{unit.parent}/calls"],
        )
        for user, password in (("alice", "password"), ("carol", "password"), ("carol", "wrong")):
            server.get("/", [basic(user, password)])
        # The tracer's child, to which a signal to the tracer would not go.
        traced = int((server.directory / "server.pid").read_text())
        os.kill(traced, signal.SIGHUP)
        server.wait_logged("the configuration was reloaded")
        assert server.get("/", [basic("alice", "password")]).status == 200
        os.kill(traced, signal.SIGUSR1)
        os.kill(traced, signal.SIGQUIT)
        assert server.wait_exit() == 0
        lines = (unit.parent / "calls").read_text().splitlines()
        called = {found[1] for found in (re.match(r"\d+ +(\w+)\(", line) for line in lines) if found}
        assert {"execve", "accept4", "sendto"} <= called
        assert called - allowed == set()

    def settings(self, name):
        lines = [line for line in self.PATH.read_text().splitlines() if line.startswith(name + "=")]
        return [line.split("=", 1)[1] for line in lines]

    def test_one_capability_and_no_more(self):
        for name in ("AmbientCapabilities", "CapabilityBoundingSet"):
            assert self.settings(name) == ["CAP_NET_BIND_SERVICE"]

    def test_it_reloads_and_drains(self):
        assert self.settings("ExecReload")[-1] == "/bin/kill -HUP $MAINPID"
        assert self.settings("ExecStop")[0] == "/bin/kill -QUIT $MAINPID"
        wait = int(self.settings("ExecStop")[1].split("timeout ")[1].split()[0])
        assert wait > seconds(directive("worker_shutdown_timeout", DEPLOY / "proxy.conf"))
        assert int(self.settings("TimeoutStopSec")[0]) > wait
