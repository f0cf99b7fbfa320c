/// The configuration file that `postern init` writes.
struct StarterConfiguration {
    var name: String
    var port: UInt16
    /// `host:port`
    var gateway: String
    /// The file is of the machine, below /etc: what changes while Postern runs has places of its own there.
    var isSystem = false

    private var stateDirectory: String { isSystem ? "/var/lib/postern" : "state" }
    private var controlSocket: String { isSystem ? "/run/postern/control.sock" : "control.sock" }

    /// The file. But for those of the machine, paths in it are relative to where it lies, so that the directory can be moved
    /// as a whole.
    var text: String {
        """
        # Postern in front of an OpenClaw gateway. Made by `postern init`; yours from here on.
        # What is not written has a safe default: `postern directives NAME` tells it.
        # Relative paths start where this file lies.
        #
        #   postern check -c FILE         what is wrong, unwise or worth knowing
        #   postern run -c FILE           serve
        #   postern -s reload -c FILE     apply a change; a bad file changes nothing

        # Holds the id of the process that serves, for `postern -s`.
        pid postern.pid;

        # How long a drain (SIGQUIT) waits for what still runs.
        worker_shutdown_timeout 30s;

        error_log stderr info;

        # Sessions, devices, the audit log and the use of keys: what must outlive the process. Made with mode 0700.
        state_dir \(stateDirectory);

        # How `postern sessions`, `devices`, `locked` and `audit` reach the running proxy.
        control unix:\(controlSocket);

        upstream gateway {
            # A name is resolved again when its time is up or a connection fails: a restarted container is found.
            server \(gateway);
            keepalive 16;
        }

        server {
        \(listenLines)
            server_name \(name);

            # Self-signed by `postern init`: put your own in their place. They are read again when they change.
            ssl_certificate     tls/cert.pem;
            ssl_certificate_key tls/key.pem;

            # People: `postern user add htpasswd NAME`. A removed user is out at the next request.
            auth_basic           "OpenClaw";
            auth_basic_user_file htpasswd;

            # A login mints a cookie, which counts whatever Authorization holds; browsers log in on a page.
            session    timeout=2h idle=30m max_concurrent=10 same_site=strict;
            login_form on;

            # Scripts: `postern key add api_keys.json --name NAME --permission read`.
            #api_keys api_keys.json;

            # A browser that is new waits until somebody here lets it in: `postern devices approve CODE`.
            #device_pairing on timeout=300s max_pending=5;

            # Per client address (an IPv6 client counts as its /64), and for all together. Who is refused gets 429 and is
            # told when to come back.
            limit_req rate=10r/s  burst=20  nodelay per=ip;
            limit_req rate=100r/s burst=200 nodelay per=server;

            # The gateway takes 20 MB.
            client_max_body_size 32m;

            # "healthy", without login, limit or log line. /.postern/ready tells whether the gateway can be reached.
            health /health;

            # What browsers fetch without credentials, and webhooks, which carry a token of their own: each opened by name.
            public /manifest.webmanifest /sw.js;
            #public /hooks/github methods=POST limit=5r/s;

            # What the gateway is told of callers. With a token of its own:
            #gateway_auth bearer file:/run/secrets/gateway_token;
            # or where it trusts this proxy to say who calls and what they may do:
            #gateway_auth trusted_proxy user_header=X-Forwarded-User scopes_header=X-OpenClaw-Scopes;

            # Behind a load balancer: whose X-Forwarded-For to believe. Without this, nobody's.
            #set_real_ip_from  10.0.0.0/8;
            #real_ip_header    X-Forwarded-For;
            #real_ip_recursive on;

            # Without this line requests are logged to standard output.
            #access_log /var/log/postern/access.log combined;

            proxy_pass http://gateway;
        }

        """
    }

    /// On the usual port, plain HTTP is answered too: by a redirect.
    private var listenLines: String {
        let tls = "    listen \(port) ssl http2;"
        if port != 443 { return tls }
        return "    # Plain HTTP answers with a redirect to HTTPS and nothing else.\n    listen 80 redirect;\n" + tls
    }
}
