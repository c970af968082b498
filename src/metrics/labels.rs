//! Every value that a metric label can take. Labels are enums, so that their number is known when the program
//! is built; nothing that a caller sends, and no user, can become one.

/// A closed set of label values.
pub trait Label: Copy + Eq + 'static {
    /// Every value there is.
    const ALL: &'static [Self];
    /// The text that stands in the exposition.
    fn text(self) -> &'static str;
    /// The place of the value in [`Label::ALL`].
    fn index(self) -> usize;
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$value_doc])* $value,)+ }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$value,)+];
            fn text(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label!(
    /// Where what an answer hands out came from. The `Tokenvend-Cache` header has the same words.
    Source {
        /// From the cache.
        Hit => "hit",
        /// Minted for this request.
        Miss => "miss",
        /// Minted for another request that was already waiting for the same token.
        Coalesced => "coalesced",
        /// From the cache, inside the skew allowance, because no new one could be had.
        Stale => "stale",
    }
);

label!(
    /// What is handed out. Each has its own families; the log names it so.
    Ware {
        /// A token.
        Token => "token",
        /// AWS credentials.
        Credentials => "credentials",
    }
);

label!(
    /// What became of one call to Cognito.
    UpstreamOutcome {
        /// What was asked for came back.
        Issued => "issued",
        /// Cognito's quota is used up.
        Throttled => "throttled",
        /// Cognito failed, was too slow or could not be reached.
        Unavailable => "unavailable",
        /// Our configuration, rights or credentials are wrong.
        Misconfigured => "misconfigured",
        /// The user is registered under another identity, or a login is taken.
        Conflict => "conflict",
        /// A login or an identity that was to be linked is not accepted.
        Refused => "refused",
        /// Something came back that is not what was asked for.
        Mismatched => "mismatched",
    }
);

label!(
    /// What became of an advisory refresh.
    RefreshOutcome {
        /// A new token replaced the old one.
        Refreshed => "refreshed",
        /// The budget or a pause had no room; a later request may start it again.
        Skipped => "skipped",
        /// The call was made and failed; the old token stays.
        Failed => "failed",
    }
);

label!(
    /// What became of a request's authentication.
    AuthOutcome {
        /// The caller is known.
        Verified => "verified",
        /// No credential was presented.
        Missing => "missing",
        /// More than one credential, or none that can be read.
        Malformed => "malformed",
        /// `typ` is not one of those that are accepted.
        Kind => "kind",
        /// The signing algorithm is not on the list.
        Algorithm => "algorithm",
        /// No key is known for the token's `kid`.
        UnknownKey => "unknown_key",
        /// The signature does not fit.
        Signature => "signature",
        /// `iss` is not the one configured.
        Issuer => "issuer",
        /// `aud` is not one of those configured.
        Audience => "audience",
        /// `exp` has passed.
        Expired => "expired",
        /// `nbf` or `iat` lies ahead.
        NotYetValid => "not_yet_valid",
        /// The claim that names the user is missing or unfit.
        User => "user",
        /// The app, when asked, said no.
        Inactive => "inactive",
        /// Scopes or claims that are demanded are missing.
        Insufficient => "insufficient",
        /// A cookie, in a request that another site may have made.
        CrossSite => "cross_site",
        /// A gateway's headers, from somebody who is not the gateway.
        NotTheGateway => "not_the_gateway",
        /// The keys to judge by could not be had.
        Unavailable => "unavailable",
    }
);

label!(
    /// What became of an audit event.
    AuditOutcome {
        /// It was written.
        Written => "written",
        /// There was no room left among those that wait to be written.
        Dropped => "dropped",
        /// The file or stream did not take it.
        Failed => "failed",
    }
);

label!(
    /// What a pool's rules say of a verified caller.
    PolicyOutcome {
        /// It may have a token.
        Granted => "granted",
        /// No rule describes it; it is let through because the rules are only tried out.
        WouldRefuse => "would_refuse",
        /// No rule describes it.
        Refused => "refused",
        /// Its claims do not make the tags that the pool's tokens must have.
        UnfitTags => "unfit_tags",
        /// It names a user for whom it may not act.
        ForeignUser => "foreign_user",
    }
);

label!(
    /// Whether whoever wanted to do something on the admin listener had its credential.
    AdminAuth {
        /// It was the right one.
        Verified => "verified",
        /// There was none.
        Missing => "missing",
        /// It was a wrong one.
        Wrong => "wrong",
    }
);

label!(
    /// What became of one call to Cognito on behalf of an administrator.
    RegistryOutcome {
        /// It was done.
        Done => "done",
        /// Cognito does not know what was asked about, or will not do it.
        Refused => "refused",
        /// Cognito's quota is used up.
        Throttled => "throttled",
        /// Cognito failed, was too slow or could not be reached.
        Unavailable => "unavailable",
        /// Our configuration, rights or credentials are wrong.
        Misconfigured => "misconfigured",
        /// It was not made: our share of the quota is spent.
        HeldBack => "held_back",
    }
);

label!(
    /// Which limit a request went over.
    Limit {
        /// Requests from one address.
        Address => "address",
        /// Refused credentials from one address.
        Failures => "failures",
        /// Requests for one user.
        User => "user",
    }
);

label!(
    /// The routes of both listeners. Whatever matches none is `other`.
    Route {
        /// `/v1/token`
        Token => "/v1/token",
        /// `/v1/identity/link`
        Link => "/v1/identity/link",
        /// `/v1/credentials`
        Credentials => "/v1/credentials",
        /// `/openapi.json`
        OpenApi => "/openapi.json",
        /// `/livez`
        Live => "/livez",
        /// `/readyz`
        Ready => "/readyz",
        /// `/metrics`
        Metrics => "/metrics",
        /// `/admin/v1/openapi.json`
        AdminOpenApi => "/admin/v1/openapi.json",
        /// A user.
        AdminUser => "/admin/v1/pools/{pool}/users/{user}",
        /// A user's cached tokens.
        AdminCache => "/admin/v1/pools/{pool}/users/{user}/cache",
        /// Merging a user into another.
        AdminMerge => "/admin/v1/pools/{pool}/users/{user}/merge",
        /// A pool's identities.
        AdminIdentities => "/admin/v1/pools/{pool}/identities",
        /// Deleting several identities.
        AdminDelete => "/admin/v1/pools/{pool}/identities/delete",
        /// An identity.
        AdminIdentity => "/admin/v1/pools/{pool}/identities/{identity}",
        /// A user of an identity.
        AdminIdentityUser => "/admin/v1/pools/{pool}/identities/{identity}/users/{user}",
        /// No route of ours.
        Other => "other",
    }
);

label!(
    /// Why an entry left the cache.
    Eviction {
        /// Its token ended.
        Expired => "expired",
        /// The cache was full.
        Size => "size",
        /// The user was forgotten.
        Forgotten => "forgotten",
    }
);

label!(
    /// Why calls to Cognito were paused.
    PauseCause {
        /// Cognito throttled a call.
        Throttled => "throttled",
        /// Calls failed one after the other.
        Failures => "failures",
    }
);

label!(
    /// What became of a fetch of the app's signing keys.
    FetchOutcome {
        /// A key set came back.
        Fetched => "fetched",
        /// It could not be had or read; the last one stays in use.
        Failed => "failed",
    }
);

label!(
    /// What became of a request to link something to its user's identity.
    LinkOutcome {
        /// It is linked.
        Linked => "linked",
        /// The pool's configuration does not allow it.
        Disallowed => "disallowed",
        /// A login or a guest's token is not accepted.
        Unproven => "unproven",
        /// The user, the login or the guest belongs elsewhere already.
        Conflict => "conflict",
        /// Somebody else linked the same guest at the same moment; ours was taken back.
        Undone => "undone",
        /// As before, but it could not be taken back: two users share an identity. An operator must part them.
        Shared => "shared",
        /// Trouble on our side or Cognito's.
        Failed => "failed",
    }
);

label!(
    /// The listeners, by their names in the configuration.
    Listener {
        /// The public one.
        Http => "http",
        /// The one for operators.
        Admin => "admin",
    }
);

label!(
    /// What became of a TLS handshake.
    HandshakeOutcome {
        /// A connection came about.
        Completed => "completed",
        /// The two sides found no common ground, or one did not accept the other's certificate.
        Failed => "failed",
        /// The client spoke no TLS.
        NotTls => "not_tls",
        /// It was not completed in time.
        TimedOut => "timed_out",
    }
);

label!(
    /// What became of certificate files that had changed.
    ReloadOutcome {
        /// They are in use.
        Replaced => "replaced",
        /// They do not hold; the last good ones stay in use.
        Refused => "refused",
    }
);
