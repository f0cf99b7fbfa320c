extension Page {
    /// The page's style sheet: the reader's own light or dark, and nothing from elsewhere.
    static let style = """
        :root {
          color-scheme: light dark;
          --paper: light-dark(#f7f5f0, #161a19);
          --card: light-dark(#fff, #1f2523);
          --ink: light-dark(#1c2321, #e8ece9);
          --soft: light-dark(#55605b, #a3afa9);
          --line: light-dark(#dcd8ce, #35403b);
          --accent: light-dark(#2f5d50, #7fc4ae);
          --on-accent: light-dark(#fff, #10211b);
          --bad: light-dark(#a3341f, #f0957f);
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; padding: 1.5rem; max-width: 60rem;
          background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
        }
        .skip { position: absolute; left: -999px; }
        .skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem; }
        header { display: flex; gap: 1rem; align-items: center; margin-bottom: 1.5rem; }
        h1, h2, header p { margin: 0; }
        h1 { font-size: 1.5rem; }
        h2 { font-size: 1.1rem; margin-bottom: .75rem; }
        header p, caption, dt, .none, label { color: var(--soft); }
        main { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
        section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem; }
        section:first-child { grid-column: 1 / -1; }
        table { width: 100%; border-collapse: collapse; }
        caption { text-align: left; font-size: .875rem; padding-bottom: .5rem; }
        th, td { text-align: left; vertical-align: top; padding: .375rem .75rem .375rem 0; border-top: 1px solid var(--line); }
        th { font-weight: 500; white-space: nowrap; width: 1%; }
        code, pre { font: .875rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
        pre { margin: .75rem 0 0; height: 8rem; overflow: auto; border: 1px solid var(--line); border-radius: .5rem;
          padding: .5rem; white-space: pre-wrap; }
        dl { display: grid; grid-template-columns: auto 1fr; gap: .125rem .75rem; }
        dd { margin: 0; }
        label { display: block; font-size: .875rem; margin-top: .5rem; }
        .line { display: flex; gap: .5rem; }
        input { flex: 1; width: 100%; min-width: 0; }
        input, button { font: inherit; padding: .375rem .625rem; border-radius: .5rem; border: 1px solid var(--soft); }
        input { background: var(--paper); color: var(--ink); }
        button { background: var(--accent); border-color: var(--accent); color: var(--on-accent); cursor: pointer; }
        button:disabled { opacity: .5; cursor: default; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        .dot { display: inline-block; width: .625rem; height: .625rem; border-radius: 50%; background: var(--soft); }
        .dot.open { background: var(--accent); }
        .dot.bad { background: var(--bad); }
        #chat-answer { min-height: 3rem; margin-bottom: 0; }

        """
}
