/** What tells people: alarms on dead letters and waiting requests, one dashboard, log groups, a budget. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { StackOptions } from './options.ts';
import type { Storage } from './storage.ts';

/** A request that waits longer than an instance takes to boot and work means that no worker works. */
const OLDEST = Duration.minutes(5);
const MINUTE = Duration.minutes(1);

export class Watching extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, { options, storage }: { options: StackOptions; storage: Storage }) {
    super(scope, 'Watching');
    const { requests, replies, deadLetters } = storage;
    this.topic = new Topic(this, 'Alarms', { enforceSSL: true });
    if (options.email !== undefined)
      this.topic.addSubscription(new EmailSubscription(options.email));

    const oldest = requests.metricApproximateAgeOfOldestMessage({ period: MINUTE });
    const dead = deadLetters.metricApproximateNumberOfMessagesVisible({ period: MINUTE });
    const alarm = (name: string, metric: typeof oldest, threshold: number, says: string): void => {
      new Alarm(this, name, {
        metric,
        threshold,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmDescription: says,
      }).addAlarmAction(new SnsAction(this.topic));
    };
    alarm(
      'DeadLettersAlarm',
      dead,
      0,
      `${options.id}: a request failed for good. See npm run dead-letters.`,
    );
    alarm(
      'OldestAlarm',
      oldest,
      OLDEST.toSeconds(),
      `${options.id}: a request has waited for ${OLDEST.toMinutes()} minutes.`,
    );

    new Dashboard(this, 'Dashboard', {
      dashboardName: `elastic-face-${options.id}`,
      widgets: [
        [
          new GraphWidget({
            title: 'Requests',
            left: [
              requests.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
              requests.metricApproximateNumberOfMessagesNotVisible({ period: MINUTE }),
              replies.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
            ],
          }),
          new GraphWidget({ title: 'Oldest request, seconds', left: [oldest] }),
          new GraphWidget({ title: 'Dead letters', left: [dead] }),
        ],
      ],
    });
    for (const service of ['web', 'worker', 'scaler']) {
      new LogGroup(this, `${service}Log`, {
        logGroupName: `/elastic-face/${options.id}/${service}`,
        retention: RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      });
    }
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: options.budgetDollars, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:elastic-face:project$${options.id}`] },
      },
      ...(options.email === undefined
        ? {}
        : {
            notificationsWithSubscribers: [
              {
                notification: {
                  notificationType: 'ACTUAL',
                  comparisonOperator: 'GREATER_THAN',
                  threshold: 80,
                },
                subscribers: [{ subscriptionType: 'EMAIL', address: options.email }],
              },
            ],
          }),
    });
  }
}
