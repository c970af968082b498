//! The help of the command and of each subcommand.

use crate::process::run_alone;

#[tokio::test]
async fn the_help_of_every_command_is_printed_on_request() {
    let mut text = String::new();
    let mut commands = vec![String::new()];
    while let Some(command) = commands.pop() {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let output = run_alone(&arguments, &[], "").await;
        assert_eq!((output.code, output.err.as_str()), (Some(0), ""), "{arguments:?}");
        text.push_str(&format!("$ tokenvend {}\n\n{}\n\n", arguments.join(" "), output.out.trim_end()));
        let subcommands: Vec<String> =
            subcommands(&output.out).map(|name| format!("{command} {name}").trim_start().to_owned()).collect();
        commands.extend(subcommands.into_iter().rev());
    }
    insta::assert_snapshot!("help", text);
}

/// The names in the section "Commands" of a help text, without clap's own `help`.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let listed = help.split_once("\nCommands:\n").map_or("", |(_, listed)| listed);
    let lines = listed.lines().take_while(|line| !line.is_empty());
    // A description is indented further than a name.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !matches!(*name, "" | "help"))
}
