/**
 * What wakes people: requests that failed or wait, no web node, launches that do not work. Each alarm goes to
 * one topic, and from there to the e-mail address.
 */
import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { CfnInstance } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { FilterPattern, type LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { TlsFront } from './front.ts';
import type { LogGroups } from './operator-access.ts';
import type { StackOptions } from './options.ts';
import type { Storage } from './storage.ts';

/** A request that waits longer than an instance takes to boot and work means that no worker works. */
const OLDEST = Duration.minutes(5);
const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

interface Rule {
  readonly metric: IMetric;
  readonly says: string;
  readonly above?: number;
  readonly below?: number;
  /** Periods in a row. */
  readonly periods?: number;
  readonly missing?: TreatMissingData;
}

export class Alarms extends Construct {
  readonly topic: Topic;
  readonly #id: string;

  constructor(
    scope: Construct,
    {
      options,
      storage,
      logs,
      web,
    }: { options: StackOptions; storage: Storage; logs: LogGroups; web: TlsFront | CfnInstance },
  ) {
    super(scope, 'Alarms');
    this.#id = options.id;
    this.topic = this.#topic(options.email);
    this.#alarm('DeadLetters', {
      metric: storage.deadLetters.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
      above: 0,
      says: 'a request failed for good. See npm run dead-letters.',
    });
    this.#alarm('OldestRequest', {
      metric: storage.requests.metricApproximateAgeOfOldestMessage({ period: MINUTE }),
      above: OLDEST.toSeconds(),
      says: `a request has waited for ${OLDEST.toMinutes()} minutes.`,
    });
    this.#watchWeb(web);
    // As scaler/loop/act.ts logs them; a test compares.
    this.#alarm('Launches', {
      metric: this.#counted(
        'Launches',
        [logs.scaler],
        ['ended before taking work', 'launch failed'],
      ),
      above: 2,
      says: 'instances cannot be launched, or end before they take work. See the scaler’s log.',
    });
    // As systemd says it of a unit.
    this.#alarm('ServiceEnds', {
      metric: this.#counted('ServiceEnds', [logs.web, logs.scaler], ['Main process exited']),
      above: 2,
      says: 'the web tier or the scaler ends again and again. See its log.',
    });
  }

  /**
   * A policy of the topic replaces the one by which its own account may publish, and alarms publish as a
   * service: without this statement none of them arrives.
   */
  #topic(email: string | undefined): Topic {
    const topic = new Topic(this, 'Topic', { enforceSSL: true });
    const { partition, region, account } = Stack.of(this);
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudwatch:${region}:${account}:alarm:*` },
        },
      }),
    );
    if (email !== undefined) topic.addSubscription(new EmailSubscription(email));
    return topic;
  }

  #watchWeb(web: TlsFront | CfnInstance): void {
    const status = (InstanceId: string) =>
      new Metric({
        namespace: 'AWS/EC2',
        metricName: 'StatusCheckFailed',
        dimensionsMap: { InstanceId },
        period: MINUTE,
        statistic: Stats.MAXIMUM,
      });
    const healthy = ({ targets }: TlsFront) =>
      targets.metrics.healthyHostCount({ period: MINUTE, statistic: Stats.MAXIMUM });
    this.#alarm('NoHealthyWeb', {
      ...(web instanceof TlsFront
        ? {
            metric: healthy(web),
            below: 1,
            says: 'the load balancer finds no web node that answers /readyz.',
          }
        : {
            metric: status(web.ref),
            above: 0,
            says: 'the web instance does not run, or fails EC2’s status checks.',
          }),
      periods: 3,
      missing: TreatMissingData.BREACHING,
    });
  }

  /** How many lines of these logs hold one of these texts. Without such a line there is no metric, and no price. */
  #counted(
    name: string,
    logs: readonly LogGroup[],
    texts: readonly [string, ...string[]],
  ): IMetric {
    const [first, ...others] = texts;
    const filterPattern =
      others.length === 0 ? FilterPattern.allTerms(first) : FilterPattern.anyTerm(first, ...others);
    const metricNamespace = `elastic-face/${this.#id}`;
    for (const [index, logGroup] of logs.entries()) {
      new MetricFilter(this, `${name}Filter${index}`, {
        logGroup,
        filterPattern,
        metricNamespace,
        metricName: name,
      });
    }
    return new Metric({
      namespace: metricNamespace,
      metricName: name,
      period: FIVE_MINUTES,
      statistic: Stats.SUM,
    });
  }

  #alarm(name: string, { metric, says, above, below, periods = 1, missing }: Rule): void {
    new Alarm(this, name, {
      metric,
      threshold: above ?? below ?? 0,
      comparisonOperator:
        above === undefined
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
      alarmDescription: `${this.#id}: ${says}`,
    }).addAlarmAction(new SnsAction(this.topic));
  }
}
