# SpamAssassin's content rules over messages, without network. Called by spam.sh, which says how.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Mail::SpamAssassin;

# Above this a rule was meant to count; rules kept for information score 0.01 and less. The two that only say that the
# file has not travelled, NO_RECEIVED and NO_RELAYS, are among those, so that no rule needs an exception.
my $informational = 0.01;

my $state = tempdir(CLEANUP => 1);
my $assassin = Mail::SpamAssassin->new({
    local_tests_only     => 1,
    require_rules        => 1,
    # What this machine has learned would make the verdict its own.
    dont_copy_prefs      => 1,
    userprefs_filename   => '/dev/null',
    home_dir_for_helpers => $state,
    userstate_dir        => $state,
    post_config_text     => "use_bayes 0\nuse_auto_welcomelist 0\n",
});
$assassin->init(1);

my $failures = 0;
for my $file (@ARGV) {
    open my $handle, '<:raw', $file or do { print "$file: $!\n"; $failures++; next };
    my $octets = do { local $/; <$handle> };
    close $handle;
    my $message = $assassin->parse($octets, 1);
    my $status = $assassin->check($message);
    my $scores = $status->get_names_of_tests_hit_with_scores_hash();
    print "$file: ", join(' ', map { "$_=$scores->{$_}" } sort keys %$scores) || 'no rule', "\n";
    for my $rule (sort grep { $scores->{$_} > $informational } keys %$scores) {
        print "$file: $rule $scores->{$rule}: ", $assassin->{conf}->get_description_for_rule($rule) // '', "\n";
        $failures++;
    }
    $status->finish();
    $message->finish();
}
printf "%d messages, %d failures\n", scalar @ARGV, $failures;
exit($failures ? 1 : 0);
